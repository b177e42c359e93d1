// Patch embedding as a matrix product: row = patch, k = (channel, pixel row, pixel column) of the patch.
#pragma once

#include "ops/gemm/gemm.h"

JC_DECLARE(patch_embed)

namespace jc {

int32_t check_patch_embed(jc_context* context, const jc_patch_embed_args* a);

inline int64_t patch_embed_grid(const jc_patch_embed_args* a) {
  return (a->height / a->patch) * (a->image_width / a->patch);
}
inline int64_t patch_embed_k(const jc_patch_embed_args* a) { return 3 * a->patch * a->patch; }

// The product that computes the patches' rows, but for the gather function.
Product patch_embed_product(const jc_patch_embed_args* a);
// Writes the class row of every picture, if there is one.
void patch_embed_class_rows(const jc_patch_embed_args* a);

}  // namespace jc
