#include "ops/layer_norm/simd.h"
#include "simd/vec_avx512.h"

int32_t jc::avx512::layer_norm(jc_context* context, const jc_layer_norm_args* a) {
  return layer_norm_simd<Vec>(context, a);
}
