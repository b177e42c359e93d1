#include "ops/gemm/tile.h"
#include "simd/vector_avx2.h"

namespace jc::avx2 {

void multiply(const jc_context* context, const Product& p, void* workspace, int64_t workspace_bytes) {
  multiply_tiles<Avx2, kAvx2Tile.rows>(context, p, workspace, workspace_bytes);
}

int32_t gemm(jc_context* context, const jc_gemm_args* a) {
  int32_t status = check_gemm(context, a);
  if (status != JC_OK) return status;
  Product p = gemm_product(a);
  p.gather = gather_rows<Avx2>;
  multiply(context, p, a->workspace, a->workspace_bytes);
  fill_dead_rows(a, p.rows);
  return JC_OK;
}

}  // namespace jc::avx2
