// Gradient of conv2d with respect to its input, as a matrix product: row = input pixel, k = (window row, window column, output channel).
#pragma once

#include "ops/conv2d/conv2d.h"

JC_DECLARE(conv2d_data_gradient)

namespace jc {

int32_t check_conv2d_data_gradient(jc_context* context, const jc_conv2d_data_gradient_args* a);

// The sizes of the forward call.
jc_conv2d_args conv2d_forward(const jc_conv2d_data_gradient_args* a);

// dx of stride 1 is the convolution of dy with the flipped weights; of a larger stride, that of dy with stride - 1 zeros between its
// pixels.
struct DataGradient {
  const jc_conv2d_data_gradient_args* a;
  jc_conv2d_args convolution;  // over dy as it is, for stride 1
  int64_t out_height;
  int64_t out_width;
  int64_t before;  // kernel - 1 - padding: zeros above and to the left of dy
};
DataGradient data_gradient(const jc_conv2d_data_gradient_args* a);

// The product that computes it, but for the gather function.
Product conv2d_data_gradient_product(const DataGradient* g);

}  // namespace jc
