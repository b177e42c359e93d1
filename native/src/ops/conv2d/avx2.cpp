#include "ops/conv2d/gather.h"
#include "simd/vector_avx2.h"

namespace jc::avx2 {

int32_t conv2d(jc_context* context, const jc_conv2d_args* a) {
  if (check_conv2d(context, a) != JC_OK) return JC_INVALID;
  Product p = conv2d_product(a);
  p.gather = gather_windows<Avx2>;
  multiply(context, p, a->workspace, a->workspace_bytes);
  return JC_OK;
}

}  // namespace jc::avx2
