// What the versions of layer_norm_gradient share: the argument checks and the blocks of rows.
#pragma once

#include "core/pool.h"

JC_DECLARE(layer_norm_gradient)

namespace jc {

// Rows of which one partial sum of d_weight and d_bias is made: one number for all sizes, so that the sums of some rows do not
// depend on how many are planned for.
constexpr int64_t kLayerNormRows = 32;

// Partial sums [blocks, 2, width] of d_weight and d_bias.
static inline int64_t layer_norm_gradient_bytes(const jc_layer_norm_gradient_args* a) {
  return round_up(ceil_div(a->rows, kLayerNormRows) * 2 * a->width * static_cast<int64_t>(sizeof(float)), 64);
}

static inline int32_t check_layer_norm_gradient(jc_context* context, const jc_layer_norm_gradient_args* a) {
  const char* name = "layer_norm_gradient";
  JC_CHECK(name, a->rows >= 0 && a->width > 0, "rows or width");
  JC_CHECK(name, a->dy && a->x && a->weight && a->dx, "null pointer");
  if (a->d_weight == nullptr && a->d_bias == nullptr) return JC_OK;
  JC_CHECK(name, a->workspace && aligned(a->workspace, 64), "workspace: null or not aligned to 64 bytes");
  JC_CHECK(name, a->workspace_bytes >= layer_norm_gradient_bytes(a),
           "workspace_bytes: less than jc_layer_norm_gradient_workspace");
  return JC_OK;
}

}  // namespace jc
