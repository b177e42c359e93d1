#include "ops/contrastive_loss/simd.h"
#include "simd/vec_avx2.h"

int32_t jc::avx2::contrastive_loss(jc_context* context, const jc_contrastive_loss_args* a) {
  return contrastive_loss_simd<Vec, Avx2, kAvx2Tile.rows>(context, a);
}
