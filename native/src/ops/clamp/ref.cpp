// Element by element; what is not a number stays so. One version serves all instruction sets.
#include "core/spans.h"

JC_DECLARE(clamp)

int32_t jc::ref::clamp(jc_context* context, const jc_clamp_args* a) {
  JC_CHECK("clamp", a->count >= 0, "count");
  JC_CHECK("clamp", a->low <= a->high, "low or high");
  JC_CHECK("clamp", a->count == 0 || a->x, "null pointer");
  float low = static_cast<float>(a->low);
  float high = static_cast<float>(a->high);
  parallel_spans(context, a->count, [=](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      float x = a->x[i];
      a->x[i] = x < low ? low : x > high ? high : x;
    }
  });
  return JC_OK;
}

JC_EXPORT(clamp, jc::ref::clamp, jc::ref::clamp, jc::ref::clamp)
