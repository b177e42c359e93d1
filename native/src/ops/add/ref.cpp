// Element by element; as fast as memory is, so one version serves all instruction sets.
#include "core/spans.h"

JC_DECLARE(add)

int32_t jc::ref::add(jc_context* context, const jc_add_args* a) {
  JC_CHECK("add", a->count >= 0, "count");
  JC_CHECK("add", a->count == 0 || (a->a && a->b && a->y), "null pointer");
  parallel_spans(context, a->count, [=](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) a->y[i] = a->a[i] + a->b[i];
  });
  return JC_OK;
}

JC_EXPORT(add, jc::ref::add, jc::ref::add, jc::ref::add)
