#include "ops/batch_norm_gradient/simd.h"
#include "simd/vec_avx2.h"

int32_t jc::avx2::batch_norm_gradient(jc_context* context, const jc_batch_norm_gradient_args* a) {
  return batch_norm_gradient_simd<Vec>(context, a);
}
