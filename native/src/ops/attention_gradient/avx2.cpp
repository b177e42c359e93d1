#include "ops/attention_gradient/simd.h"
#include "simd/vec_avx2.h"

int32_t jc::avx2::attention_gradient(jc_context* context, const jc_attention_gradient_args* a) {
  return attention_gradient_simd<Vec>(context, a);
}
