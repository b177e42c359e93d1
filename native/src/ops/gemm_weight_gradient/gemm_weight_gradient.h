// Gradient of gemm with respect to its weights and bias.
#pragma once

#include "ops/gemm_weight_gradient/outer_products.h"

JC_DECLARE(gemm_weight_gradient)

namespace jc {

int32_t check_gemm_weight_gradient(jc_context* context, const jc_gemm_weight_gradient_args* a);

// The sum that computes it, but for the packing of x; its rows are the live ones.
OuterProducts gemm_weight_gradient_sum(const jc_gemm_weight_gradient_args* a);

}  // namespace jc
