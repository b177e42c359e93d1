// What the versions of activation_gradient share: the argument checks.
#pragma once

#include "core/pool.h"

JC_DECLARE(activation_gradient)

namespace jc {

static inline int32_t check_activation_gradient(jc_context* context, const jc_activation_gradient_args* a) {
  JC_CHECK("activation_gradient", a->count >= 0, "count");
  JC_CHECK("activation_gradient", a->activation >= JC_IDENTITY && a->activation <= JC_GELU, "activation");
  JC_CHECK("activation_gradient", a->x && a->dy && a->dx, "null pointer");
  return JC_OK;
}

}  // namespace jc
