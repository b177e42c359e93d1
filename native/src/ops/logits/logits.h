// What the versions of logits share: the argument checks.
#pragma once

#include "core/pool.h"

JC_DECLARE(logits)

namespace jc {

static inline int32_t check_logits(jc_context* context, const jc_logits_args* a) {
  JC_CHECK("logits", a->rows >= 0 && a->texts >= 0 && a->width > 0, "rows, texts or width");
  JC_CHECK("logits", a->image && a->text && a->logits, "null pointer");
  return JC_OK;
}

}  // namespace jc
