#include "ops/activation_gradient/simd.h"
#include "simd/vector_avx512.h"

int32_t jc::avx512::activation_gradient(jc_context* context, const jc_activation_gradient_args* a) {
  return activation_gradient_simd<Avx512>(context, a);
}
