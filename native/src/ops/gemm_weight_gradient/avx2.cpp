#include "ops/gemm_weight_gradient/simd.h"
#include "simd/vector_avx2.h"

namespace jc::avx2 {

void add_outer_products(const jc_context* context, const OuterProducts& p, void* workspace) {
  add_slices<Avx2, kAvx2Tile.rows>(context, p, workspace);
}

int32_t gemm_weight_gradient(jc_context* context, const jc_gemm_weight_gradient_args* a) {
  int32_t status = check_gemm_weight_gradient(context, a);
  if (status != JC_OK) return status;
  OuterProducts p = gemm_weight_gradient_sum(a);
  p.pack = pack_rows<Avx2>;
  add_outer_products(context, p, a->workspace);
  return JC_OK;
}

}  // namespace jc::avx2
