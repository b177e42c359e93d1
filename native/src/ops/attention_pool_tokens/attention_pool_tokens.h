// What the versions of attention_pool_tokens share: the argument checks.
#pragma once

#include "core/pool.h"

JC_DECLARE(attention_pool_tokens)

namespace jc {

static inline int32_t check_attention_pool_tokens(jc_context* context, const jc_attention_pool_tokens_args* a) {
  JC_CHECK("attention_pool_tokens", a->batch >= 0 && a->pixels > 0 && a->channels > 0, "batch, pixels or channels");
  JC_CHECK("attention_pool_tokens", a->x && a->positional && a->y, "null pointer");
  return JC_OK;
}

}  // namespace jc
