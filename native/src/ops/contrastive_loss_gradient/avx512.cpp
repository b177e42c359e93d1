#include "ops/contrastive_loss_gradient/simd.h"
#include "simd/vec_avx512.h"

int32_t jc::avx512::contrastive_loss_gradient(jc_context* context, const jc_contrastive_loss_gradient_args* a) {
  return contrastive_loss_gradient_simd<Vec, Avx512, kAvx512Tile.rows>(context, a, multiply);
}
