// What the versions of batch_norm share: the argument checks.
#pragma once

#include "core/pool.h"

JC_DECLARE(batch_norm)

namespace jc {

static inline int32_t check_batch_norm(jc_context* context, const jc_batch_norm_args* a) {
  JC_CHECK("batch_norm", a->rows >= 0 && a->channels > 0, "rows or channels");
  JC_CHECK("batch_norm", a->x && a->weight && a->bias && a->mean && a->variance && a->y, "null pointer");
  return JC_OK;
}

}  // namespace jc
