#include "ops/conv2d_weight_gradient/simd.h"
#include "simd/vector_avx2.h"

namespace jc::avx2 {

int32_t conv2d_weight_gradient(jc_context* context, const jc_conv2d_weight_gradient_args* a) {
  if (check_conv2d_weight_gradient(context, a) != JC_OK) return JC_INVALID;
  jc_conv2d_args forward = conv2d_forward(a);
  OuterProducts p = conv2d_weight_gradient_sum(a, &forward);
  p.pack = in_weight_order(a) ? pack_planes<Avx2> : pack_windows<Avx2>;
  add_outer_products(context, p, static_cast<char*>(a->workspace) + reordered_bytes(a));
  add_reordered(context, a, p);
  return JC_OK;
}

}  // namespace jc::avx2
