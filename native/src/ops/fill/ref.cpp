// One value everywhere; as fast as memory is, so one version serves all instruction sets.
#include "core/spans.h"

JC_DECLARE(fill)

int32_t jc::ref::fill(jc_context* context, const jc_fill_args* a) {
  JC_CHECK("fill", a->count >= 0, "count");
  JC_CHECK("fill", a->count == 0 || a->y, "null pointer");
  float value = static_cast<float>(a->value);
  parallel_spans(context, a->count, [=](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) a->y[i] = value;
  });
  return JC_OK;
}

JC_EXPORT(fill, jc::ref::fill, jc::ref::fill, jc::ref::fill)
