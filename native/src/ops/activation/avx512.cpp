#include "ops/activation/simd.h"
#include "simd/vector_avx512.h"

int32_t jc::avx512::activation(jc_context* context, const jc_activation_args* a) {
  return activation_simd<Avx512>(context, a);
}
