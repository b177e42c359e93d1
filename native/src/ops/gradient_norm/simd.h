// The norm of all gradients over vectors of double. Lane structure: index modulo 4 vectors.
#pragma once

#include "ops/gradient_norm/gradient_norm.h"

namespace jc {

// D: kWidth doubles in a register; load() widens floats.
template <class D>
double squares_of_span(const float* g, int64_t count) {
  typename D::Double t[4] = {D::zero(), D::zero(), D::zero(), D::zero()};
  int64_t i = 0;
  for (; i + 4 * D::kWidth <= count; i += 4 * D::kWidth) {
#pragma GCC unroll 4
    for (int slot = 0; slot < 4; ++slot) {
      typename D::Double x = D::load(g + i + slot * D::kWidth);
      t[slot] = t[slot] + x * x;
    }
  }
  alignas(64) double lanes[D::kWidth];
  D::store(lanes, (t[0] + t[1]) + (t[2] + t[3]));
  double sum = 0;
  for (int lane = 0; lane < D::kWidth; ++lane) sum += lanes[lane];
  for (; i < count; ++i) sum += static_cast<double>(g[i]) * static_cast<double>(g[i]);
  return sum;
}

template <class D>
int32_t gradient_norm_simd(jc_context* context, const jc_gradient_norm_args* a) {
  if (int32_t status = check_gradient_norm(context, a); status != JC_OK) return status;
  write_gradient_norm(context, a,
                      [=](int64_t first, int64_t last) { return squares_of_span<D>(a->g + first, last - first); });
  return JC_OK;
}

}  // namespace jc
