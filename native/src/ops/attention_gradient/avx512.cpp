#include "ops/attention_gradient/simd.h"
#include "simd/vec_avx512.h"

int32_t jc::avx512::attention_gradient(jc_context* context, const jc_attention_gradient_args* a) {
  return attention_gradient_simd<Vec>(context, a);
}
