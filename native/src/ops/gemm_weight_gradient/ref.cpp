// Gradient of gemm with respect to its weights, the plain version: every element sums its rows in ascending order.
#include "ops/gemm_weight_gradient/gemm_weight_gradient.h"

namespace jc {

int64_t outer_products_workspace(const jc_context* context, int64_t rows, int64_t n, int64_t k, int64_t precision) {
  if (context->isa == JC_REF) return 0;
  int64_t columns = (context->isa == JC_AVX512 ? kAvx512Tile : kAvx2Tile).columns;
  int64_t steps = product_steps(rows, precision);
  return (steps < kSliceSteps ? steps : kSliceSteps) * (round_up(k, columns) + round_up(n, kChunk)) * 4;
}

int32_t check_gemm_weight_gradient(jc_context* context, const jc_gemm_weight_gradient_args* a) {
  JC_CHECK("gemm_weight_gradient",
           a->rows >= 0 && a->rows <= INT32_MAX && a->n > 0 && a->n <= INT32_MAX && a->k > 0 && a->k <= INT32_MAX,
           "rows is negative, n or k not positive, or one of them too large");
  JC_CHECK("gemm_weight_gradient", a->dy && a->x && a->dw, "null pointer");
  JC_CHECK("gemm_weight_gradient", a->ldy >= a->n && a->ldx >= a->k && a->ldw >= a->k,
           "a row stride is smaller than its row");
  JC_CHECK("gemm_weight_gradient", a->live == nullptr || *a->live >= 0, "live is negative");
  int64_t wanted = outer_products_workspace(context, a->rows, a->n, a->k, a->precision);
  JC_CHECK("gemm_weight_gradient", wanted == 0 || (a->workspace != nullptr && a->workspace_bytes >= wanted),
           "workspace is smaller than jc_gemm_weight_gradient_workspace says");
  JC_CHECK("gemm_weight_gradient", aligned(a->workspace, 64), "workspace is not 64-byte aligned");
  return check_precision(context, "gemm_weight_gradient", a->precision);
}

OuterProducts gemm_weight_gradient_sum(const jc_gemm_weight_gradient_args* a) {
  OuterProducts p{};
  p.source = a;
  p.dy = a->dy;
  p.dw = a->dw;
  p.d_bias = a->d_bias;
  p.rows = live_rows(a->live, a->rows);
  p.n = a->n;
  p.k = a->k;
  p.ldw = a->ldw;
  p.period = p.rows > 0 ? p.rows : 1;
  p.ldy = a->ldy;
  return p;
}

int32_t ref::gemm_weight_gradient(jc_context* context, const jc_gemm_weight_gradient_args* a) {
  int32_t status = check_gemm_weight_gradient(context, a);
  if (status != JC_OK) return status;
  auto rounded = [&](float x) { return a->precision == JC_BF16 ? bf16(x) : x; };
  int64_t rows = live_rows(a->live, a->rows);
  for (int64_t j = 0; j < a->n; ++j) {
    for (int64_t i = 0; i < a->k; ++i) {
      float sum = 0;
      for (int64_t row = 0; row < rows; ++row) {
        sum += rounded(a->dy[row * a->ldy + j]) * rounded(a->x[row * a->ldx + i]);
      }
      a->dw[j * a->ldw + i] += sum;
    }
    if (a->d_bias == nullptr) continue;
    float sum = 0;
    for (int64_t row = 0; row < rows; ++row) sum += a->dy[row * a->ldy + j];
    a->d_bias[j] += sum;
  }
  return JC_OK;
}

}  // namespace jc

JC_PUBLIC int64_t jc_gemm_weight_gradient_workspace(const jc_context* context, const jc_gemm_weight_gradient_args* a) {
  if (a->rows < 0 || a->rows > INT32_MAX || a->n < 1 || a->n > INT32_MAX || a->k < 1 || a->k > INT32_MAX) return 0;
  return jc::outer_products_workspace(context, a->rows, a->n, a->k, a->precision);
}

JC_EXPORT(gemm_weight_gradient, jc::ref::gemm_weight_gradient, jc::avx2::gemm_weight_gradient,
          jc::avx512::gemm_weight_gradient)
