// The norm of all gradients, the plain version: squares in double, span by span in index order.
#include "ops/gradient_norm/gradient_norm.h"

int32_t jc::ref::gradient_norm(jc_context* context, const jc_gradient_norm_args* a) {
  if (int32_t status = check_gradient_norm(context, a); status != JC_OK) return status;
  write_gradient_norm(context, a, [=](int64_t first, int64_t last) {
    double sum = 0;
    for (int64_t i = first; i < last; ++i) sum += static_cast<double>(a->g[i]) * static_cast<double>(a->g[i]);
    return sum;
  });
  return JC_OK;
}

// One sum of each span.
JC_PUBLIC int64_t jc_gradient_norm_workspace(const jc_context*, const jc_gradient_norm_args* a) {
  return a->count <= 0 ? 0 : jc::round_up(jc::ceil_div(a->count, jc::kSpan) * 8, 64);
}

JC_EXPORT(gradient_norm, jc::ref::gradient_norm, jc::avx2::gradient_norm, jc::avx512::gradient_norm)
