#include "ops/contrastive_loss/simd.h"
#include "simd/vec_avx512.h"

int32_t jc::avx512::contrastive_loss(jc_context* context, const jc_contrastive_loss_args* a) {
  return contrastive_loss_simd<Vec, Avx512, kAvx512Tile.rows>(context, a);
}
