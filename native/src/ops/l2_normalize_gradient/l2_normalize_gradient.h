// What the versions of l2_normalize_gradient share: the argument checks.
#pragma once

#include "core/pool.h"

JC_DECLARE(l2_normalize_gradient)

namespace jc {

static inline int32_t check_l2_normalize_gradient(jc_context* context, const jc_l2_normalize_gradient_args* a) {
  JC_CHECK("l2_normalize_gradient", a->rows >= 0 && a->width > 0, "rows or width");
  JC_CHECK("l2_normalize_gradient", a->x && a->dy && a->dx, "null pointer");
  return JC_OK;
}

}  // namespace jc
