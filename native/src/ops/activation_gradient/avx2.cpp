#include "ops/activation_gradient/simd.h"
#include "simd/vector_avx2.h"

int32_t jc::avx2::activation_gradient(jc_context* context, const jc_activation_gradient_args* a) {
  return activation_gradient_simd<Avx2>(context, a);
}
