#include "ops/conv2d_data_gradient/gather.h"
#include "simd/vector_avx2.h"

namespace jc::avx2 {

int32_t conv2d_data_gradient(jc_context* context, const jc_conv2d_data_gradient_args* a) {
  if (check_conv2d_data_gradient(context, a) != JC_OK) return JC_INVALID;
  DataGradient g = data_gradient(a);
  multiply(context, gathered_data_gradient<Avx2>(&g), a->workspace, a->workspace_bytes);
  return JC_OK;
}

}  // namespace jc::avx2
