#include "ops/l2_normalize_gradient/simd.h"
#include "simd/vec_avx2.h"

int32_t jc::avx2::l2_normalize_gradient(jc_context* context, const jc_l2_normalize_gradient_args* a) {
  return l2_normalize_gradient_simd<Vec>(context, a);
}
