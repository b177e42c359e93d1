#include "ops/batch_norm/simd.h"
#include "simd/vec_avx512.h"

int32_t jc::avx512::batch_norm(jc_context* context, const jc_batch_norm_args* a) {
  return batch_norm_simd<Vec>(context, a);
}
