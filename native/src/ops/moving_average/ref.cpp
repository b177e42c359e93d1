// Element by element; as fast as memory is, so one version serves all instruction sets.
#include "core/spans.h"

JC_DECLARE(moving_average)

int32_t jc::ref::moving_average(jc_context* context, const jc_moving_average_args* a) {
  JC_CHECK("moving_average", a->count >= 0, "count");
  JC_CHECK("moving_average", a->decay, "null pointer");
  JC_CHECK("moving_average", a->count == 0 || (a->average && a->p), "null pointer");
  double decay = *a->decay;
  JC_CHECK("moving_average", decay >= 0 && decay <= 1, "decay");
  // The decay in two parts: rounded to one, 0.9999 would let the average settle 2e-4 away from where it belongs.
  float high = static_cast<float>(decay);
  float low = static_cast<float>(decay - static_cast<double>(high));
  float share = static_cast<float>(1 - decay);
  parallel_spans(context, a->count, [=](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      a->average[i] = high * a->average[i] + (low * a->average[i] + share * a->p[i]);
    }
  });
  return JC_OK;
}

JC_EXPORT(moving_average, jc::ref::moving_average, jc::ref::moving_average, jc::ref::moving_average)
