#include "ops/batch_norm_train/simd.h"
#include "simd/vec_avx512.h"

int32_t jc::avx512::batch_norm_train(jc_context* context, const jc_batch_norm_train_args* a) {
  return batch_norm_train_simd<Vec>(context, a);
}
