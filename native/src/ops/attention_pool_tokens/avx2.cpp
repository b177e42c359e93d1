#include "ops/attention_pool_tokens/simd.h"
#include "simd/vec_avx2.h"

int32_t jc::avx2::attention_pool_tokens(jc_context* context, const jc_attention_pool_tokens_args* a) {
  return attention_pool_tokens_simd<Vec>(context, a);
}
