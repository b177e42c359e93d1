// Gradient of conv2d with respect to its weights: a sum of outer products, row = output pixel, k = (window row, window column, channel),
// or (channel, window row, window column) where pixels of a channel lie together.
#pragma once

#include "ops/conv2d/conv2d.h"
#include "ops/gemm_weight_gradient/outer_products.h"

JC_DECLARE(conv2d_weight_gradient)

namespace jc {

int32_t check_conv2d_weight_gradient(jc_context* context, const jc_conv2d_weight_gradient_args* a);

// The forward call, as far as its input goes.
jc_conv2d_args conv2d_forward(const jc_conv2d_weight_gradient_args* a);

// True if x is taken in the order of dw (OIHW), by runs of a channel's pixels.
inline bool in_weight_order(const jc_conv2d_weight_gradient_args* a) { return a->x_column == 1 && a->x_channel != 1; }

// Bytes at the workspace's start for dw in the order of k, where that is not dw's; the packed slices lie behind.
int64_t reordered_bytes(const jc_conv2d_weight_gradient_args* a);
// The sum that computes it, but for the packing. Its dw is that in the workspace, fresh, or dw itself.
OuterProducts conv2d_weight_gradient_sum(const jc_conv2d_weight_gradient_args* a, const jc_conv2d_args* forward);
// Adds to dw what the sum left in the workspace.
void add_reordered(const jc_context* context, const jc_conv2d_weight_gradient_args* a, const OuterProducts& p);

}  // namespace jc
