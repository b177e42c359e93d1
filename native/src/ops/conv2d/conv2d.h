// Convolution as a matrix product: row = output pixel, k = (window row, window column, channel).
#pragma once

#include "ops/gemm/gemm.h"

JC_DECLARE(conv2d)
JC_DECLARE(conv2d_pack)

namespace jc {

// What is wrong with the sizes, or null.
const char* wrong_conv2d_sizes(const jc_conv2d_args* a);
int32_t check_conv2d(jc_context* context, const jc_conv2d_args* a);

inline int64_t conv2d_out(int64_t size, const jc_conv2d_args* a) {
  return (size + 2 * a->padding - a->kernel) / a->stride + 1;
}
inline int64_t conv2d_rows(const jc_conv2d_args* a) {
  return a->batch * conv2d_out(a->height, a) * conv2d_out(a->width, a);
}
inline int64_t conv2d_k(const jc_conv2d_args* a) { return a->kernel * a->kernel * a->channels; }

// The product that computes it, but for the gather function and its source.
Product conv2d_product(const jc_conv2d_args* a);

}  // namespace jc
