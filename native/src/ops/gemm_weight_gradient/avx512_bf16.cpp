#include "ops/gemm_weight_gradient/simd.h"
#include "simd/vector_avx512_bf16.h"

namespace jc::avx512 {

void add_outer_products_bf16(const jc_context* context, const OuterProducts& p, void* workspace) {
  OuterProducts rounded = p;
  rounded.pack = pack_rows<Avx512Bf16>;
  add_slices<Avx512Bf16, kAvx512Tile.rows>(context, rounded, workspace);
}

}  // namespace jc::avx512
