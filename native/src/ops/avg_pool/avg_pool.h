// What the versions of avg_pool share: the argument checks.
#pragma once

#include "core/pool.h"

JC_DECLARE(avg_pool)

namespace jc {

static inline int32_t check_avg_pool(jc_context* context, const jc_avg_pool_args* a) {
  JC_CHECK("avg_pool", a->batch >= 0 && a->height > 0 && a->width > 0 && a->channels > 0,
           "batch, height, width or channels");
  JC_CHECK("avg_pool", a->kernel > 0 && a->kernel <= a->height && a->kernel <= a->width, "kernel");
  JC_CHECK("avg_pool", a->x && a->y, "null pointer");
  return JC_OK;
}

}  // namespace jc
