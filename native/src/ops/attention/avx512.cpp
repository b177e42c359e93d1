#include "ops/attention/simd.h"
#include "simd/vec_avx512.h"

int32_t jc::avx512::attention(jc_context* context, const jc_attention_args* a) {
  return attention_simd<Vec>(context, a);
}
