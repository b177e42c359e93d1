#include "ops/batch_norm_train_gradient/simd.h"
#include "simd/vec_avx512.h"

int32_t jc::avx512::batch_norm_train_gradient(jc_context* context, const jc_batch_norm_train_gradient_args* a) {
  return batch_norm_train_gradient_simd<Vec>(context, a);
}
