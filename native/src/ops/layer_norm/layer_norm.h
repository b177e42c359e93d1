// What the versions of layer_norm share: the argument checks.
#pragma once

#include "core/pool.h"

JC_DECLARE(layer_norm)

namespace jc {

static inline int32_t check_layer_norm(jc_context* context, const jc_layer_norm_args* a) {
  JC_CHECK("layer_norm", a->rows >= 0 && a->width > 0, "rows or width");
  JC_CHECK("layer_norm", a->x && a->weight && a->bias && a->y, "null pointer");
  return JC_OK;
}

}  // namespace jc
