#include "ops/batch_norm/simd.h"
#include "simd/vec_avx2.h"

int32_t jc::avx2::batch_norm(jc_context* context, const jc_batch_norm_args* a) {
  return batch_norm_simd<Vec>(context, a);
}
