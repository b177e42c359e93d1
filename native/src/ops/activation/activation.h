// What the versions of activation share: the argument checks.
#pragma once

#include "core/pool.h"

JC_DECLARE(activation)

namespace jc {

static inline int32_t check_activation(jc_context* context, const jc_activation_args* a) {
  JC_CHECK("activation", a->count >= 0, "count");
  JC_CHECK("activation", a->activation >= JC_IDENTITY && a->activation <= JC_GELU, "activation");
  JC_CHECK("activation", a->x && a->y, "null pointer");
  return JC_OK;
}

}  // namespace jc
