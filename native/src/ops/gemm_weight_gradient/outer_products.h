// dw += the sum over rows of dy[row]^T x[row]: what gemm_weight_gradient and conv2d_weight_gradient share.
#pragma once

#include "ops/gemm/gemm.h"

namespace jc {

// Rows, the inner dimension here, are cut into slices of even length, at most so many steps (of one row, or two in bf16). Both factors of a slice are packed, then multiplied
// by the micro-kernels of gemm: one chain of multiply-adds a slice, the slices added to dw in ascending order.
constexpr int64_t kSliceSteps = 480;

struct OuterProducts {
  // Writes rows [first, first + count) of x as steps from `at` on of panels of `steps` steps: element k of step s lies at
  // panels[(k / columns * steps + s) * columns + k % columns], columns being those of the instruction set's panels.
  void (*pack)(const void* source, int64_t first, int64_t count, float* panels, int64_t steps, int64_t at);
  const void* source;
  const float* dy;
  float* dw;
  float* d_bias;  // or null
  int64_t rows;
  int64_t n;
  int64_t k;
  int64_t ldw;
  bool fresh;  // dw holds nothing yet: it is written, not added to
  // Row r of dy is at dy + r / period * dy_batch + r % period * ldy.
  int64_t period;
  int64_t dy_batch;
  int64_t ldy;
  const float* dy_row(int64_t r) const { return dy + r / period * dy_batch + r % period * ldy; }
};

// Bytes of workspace, whatever the number of threads; 0 for the plain version.
int64_t outer_products_workspace(const jc_context* context, int64_t rows, int64_t n, int64_t k, int64_t precision);

namespace avx2 {
void add_outer_products(const jc_context* context, const OuterProducts& p, void* workspace);
}
namespace avx512 {
void add_outer_products(const jc_context* context, const OuterProducts& p, void* workspace);
// In bf16; packs gemm_weight_gradient's rows, whatever p says.
void add_outer_products_bf16(const jc_context* context, const OuterProducts& p, void* workspace);
}  // namespace avx512

}  // namespace jc
