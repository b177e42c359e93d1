#include "ops/activation/simd.h"
#include "simd/vector_avx2.h"

int32_t jc::avx2::activation(jc_context* context, const jc_activation_args* a) {
  return activation_simd<Avx2>(context, a);
}
