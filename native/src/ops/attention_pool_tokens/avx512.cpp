#include "ops/attention_pool_tokens/simd.h"
#include "simd/vec_avx512.h"

int32_t jc::avx512::attention_pool_tokens(jc_context* context, const jc_attention_pool_tokens_args* a) {
  return attention_pool_tokens_simd<Vec>(context, a);
}
