// What the versions of adamw share: the argument checks, and the factors of a segment.
#pragma once

#include <cmath>

#include "core/spans.h"

JC_DECLARE(adamw)

namespace jc {

static inline int32_t check_adamw(jc_context* context, const jc_adamw_args* a) {
  JC_CHECK("adamw", a->segments >= 0, "segments");
  JC_CHECK("adamw", a->first && a->step && (a->segments == 0 || (a->scale && a->decay)), "null pointer");
  JC_CHECK("adamw", a->first[0] == 0, "first[0]: not 0");
  for (int64_t s = 0; s < a->segments; ++s) JC_CHECK("adamw", a->first[s] <= a->first[s + 1], "first: not ascending");
  JC_CHECK("adamw", a->first[a->segments] == 0 || (a->p && a->g && a->m && a->v), "null pointer");
  JC_CHECK("adamw", a->beta1 >= 0 && a->beta1 < 1 && a->beta2 >= 0 && a->beta2 < 1, "beta1 or beta2: not in [0, 1)");
  JC_CHECK("adamw", a->step[1] > 0 && a->step[2] > 0, "step: 1 - beta^t must be positive");
  JC_CHECK("adamw", a->epsilon >= 0, "epsilon");
  return JC_OK;
}

// A factor in fp32 that keeps what rounding would lose: 0.999 in fp32 alone moves 1 - beta by 1e-5, and every v with it.
struct TwoPart {
  float high;
  float low;
};
static inline TwoPart two_part(double x) {
  float high = static_cast<float>(x);
  return {high, static_cast<float>(x - static_cast<double>(high))};
}

// With g' = g clip: m = beta1 m + of_g g';  v = beta2 v + (of_root g')^2, which overflows only where v does;
// p -= shrink p + rate m / (sqrt(v) of_v + epsilon).
struct AdamFactors {
  TwoPart beta1, beta2;
  float clip;     // 1, or a power of two where the rest of the clipping factor would not be a normal float
  float of_g;     // (1 - beta1) rest
  float of_root;  // sqrt(1 - beta2) rest
  float shrink;   // rate decay
  float rate;     // rate / (1 - beta1^t)
  float of_v;     // 1 / sqrt(1 - beta2^t)
  float epsilon;
};
static inline AdamFactors adam_factors(const jc_adamw_args* a, int64_t segment) {
  double clip = a->norm != nullptr ? a->norm[1] : 1;
  double power = clip < 0x1p-80 ? 0x1p-80 : 1;
  double rest = clip / power;
  double rate = a->step[0] * a->scale[segment];
  AdamFactors f;
  f.beta1 = two_part(a->beta1);
  f.beta2 = two_part(a->beta2);
  f.clip = static_cast<float>(power);
  f.of_g = static_cast<float>((1 - a->beta1) * rest);
  f.of_root = static_cast<float>(std::sqrt(1 - a->beta2) * rest);
  f.shrink = static_cast<float>(rate * a->decay[segment]);
  f.rate = static_cast<float>(rate / a->step[1]);
  f.of_v = static_cast<float>(1 / std::sqrt(a->step[2]));
  f.epsilon = static_cast<float>(a->epsilon);
  return f;
}

// f(factors, first, last): the parts of segments, in spans of the whole.
template <class F>
void adamw_spans(jc_context* context, const jc_adamw_args* a, F&& f) {
  parallel_spans(context, a->first[a->segments], [&](int64_t first, int64_t last) {
    int64_t low = 0, high = a->segments;  // the segment of `first` is in [low, high)
    while (high - low > 1) {
      int64_t middle = (low + high) / 2;
      (a->first[middle] <= first ? low : high) = middle;
    }
    for (int64_t s = low; first < last; ++s) {
      int64_t end = a->first[s + 1] < last ? a->first[s + 1] : last;
      if (first < end) f(adam_factors(a, s), first, end);
      first = end;
    }
  });
}

}  // namespace jc
