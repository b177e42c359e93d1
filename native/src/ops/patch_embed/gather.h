// Gathers patches of NCHW pictures as rows of a product.
#pragma once

#include "ops/gemm/put_run.h"
#include "ops/patch_embed/patch_embed.h"

namespace jc {
namespace {

template <class V>
void gather_patches(const void* source, int64_t first, int64_t count, float* tile) {
  const auto* a = static_cast<const jc_patch_embed_args*>(source);
  int64_t columns = a->image_width / a->patch, grid = patch_embed_grid(a);
  for (int64_t i = 0; i < count; ++i) {
    int64_t row = first + i, patch = row % grid;
    const float* corner = a->pixels + row / grid * 3 * a->height * a->image_width +
                          patch / columns * a->patch * a->image_width + patch % columns * a->patch;
    int64_t k = 0;
    for (int64_t channel = 0; channel < 3; ++channel) {
      for (int64_t y = 0; y < a->patch; ++y, k += a->patch) {
        put_run<V>(tile, count, i, k, corner + (channel * a->height + y) * a->image_width, a->patch);
      }
    }
  }
}

}  // namespace
}  // namespace jc
