// Element by element; as fast as memory is, so one version serves all instruction sets.
#include "core/spans.h"

JC_DECLARE(moving_average)

int32_t jc::ref::moving_average(jc_context* context, const jc_moving_average_args* a) {
  JC_CHECK("moving_average", a->count >= 0, "count");
  JC_CHECK("moving_average", a->decay, "null pointer");
  JC_CHECK("moving_average", a->count == 0 || (a->average && a->p), "null pointer");
  double decay = *a->decay;
  JC_CHECK("moving_average", decay >= 0 && decay <= 1, "decay");
  // In double: 1e-4 of a step lies below the last bits of 0.9999 in fp32, and of the product with it.
  parallel_spans(context, a->count, [=](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      a->average[i] =
          static_cast<float>(decay * static_cast<double>(a->average[i]) + (1 - decay) * static_cast<double>(a->p[i]));
    }
  });
  return JC_OK;
}

JC_EXPORT(moving_average, jc::ref::moving_average, jc::ref::moving_average, jc::ref::moving_average)
