// Patch embedding, the plain version: every output element sums its patch in the order (channel, row, column).
#include "ops/patch_embed/patch_embed.h"

namespace jc {

namespace {

// What is wrong with the sizes, or null.
const char* wrong_sizes(const jc_patch_embed_args* a) {
  if (a->batch < 0 || a->batch > INT32_MAX || a->width < 1 || a->width > 65536) return "batch or width";
  if (a->patch < 1 || a->patch > 1024 || a->height < a->patch || a->height > 65536 || a->image_width < a->patch ||
      a->image_width > 65536) {
    return "patch, height or image_width";
  }
  if (a->batch > INT32_MAX / (1 + patch_embed_grid(a))) return "too many patches";
  return nullptr;
}

}  // namespace

int32_t check_patch_embed(jc_context* context, const jc_patch_embed_args* a) {
  const char* wrong = wrong_sizes(a);
  JC_CHECK("patch_embed", wrong == nullptr, wrong);
  JC_CHECK("patch_embed", a->pixels && a->packed && a->y, "null pointer");
  JC_CHECK("patch_embed", aligned(a->packed, 64) && aligned(a->workspace, 64),
           "packed or workspace is not 64-byte aligned");
  JC_CHECK(
      "patch_embed",
      enough_workspace(context, a->batch * patch_embed_grid(a), patch_embed_k(a), a->workspace, a->workspace_bytes),
      "workspace is smaller than jc_patch_embed_workspace says for one thread");
  return JC_OK;
}

Product patch_embed_product(const jc_patch_embed_args* a) {
  Product p{};
  p.source = a;
  p.packed = static_cast<const float*>(a->packed);
  p.residual = a->positional;
  p.y = a->y;
  p.rows = a->batch * patch_embed_grid(a);
  p.n = p.ldy = p.ld_residual = a->width;
  p.k = patch_embed_k(a);
  p.period = patch_embed_grid(a);
  p.skip = a->class_embedding != nullptr ? 1 : 0;
  p.activation = JC_IDENTITY;
  return p;
}

void patch_embed_class_rows(const jc_patch_embed_args* a) {
  if (a->class_embedding == nullptr) return;
  for (int64_t b = 0; b < a->batch; ++b) {
    float* y = a->y + b * (1 + patch_embed_grid(a)) * a->width;
    for (int64_t j = 0; j < a->width; ++j) {
      y[j] = a->positional != nullptr ? a->class_embedding[j] + a->positional[j] : a->class_embedding[j];
    }
  }
}

int32_t ref::patch_embed(jc_context* context, const jc_patch_embed_args* a) {
  if (check_patch_embed(context, a) != JC_OK) return JC_INVALID;
  patch_embed_class_rows(a);
  const float* w = static_cast<const float*>(a->packed);
  int64_t columns = a->image_width / a->patch, grid = patch_embed_grid(a), k = patch_embed_k(a);
  int64_t first = a->class_embedding != nullptr ? 1 : 0;  // row of the first patch
  for (int64_t b = 0; b < a->batch; ++b) {
    for (int64_t p = 0; p < grid; ++p) {
      const float* corner = a->pixels + b * 3 * a->height * a->image_width + p / columns * a->patch * a->image_width +
                            p % columns * a->patch;
      float* y = a->y + (b * (first + grid) + first + p) * a->width;
      for (int64_t o = 0; o < a->width; ++o) {
        float sum = 0;
        for (int64_t i = 0; i < k; ++i) {
          int64_t channel = i / (a->patch * a->patch), row = i / a->patch % a->patch, column = i % a->patch;
          sum += corner[(channel * a->height + row) * a->image_width + column] * w[o * k + i];
        }
        if (a->positional != nullptr) sum += a->positional[(first + p) * a->width + o];
        y[o] = sum;
      }
    }
  }
  return JC_OK;
}

}  // namespace jc

JC_PUBLIC int64_t jc_patch_embed_workspace(const jc_context* context, const jc_patch_embed_args* a) {
  if (jc::wrong_sizes(a) != nullptr) return 0;
  return jc::product_workspace(context, a->batch * jc::patch_embed_grid(a), jc::patch_embed_k(a),
                               jc::parallel_width(context));
}

JC_EXPORT(patch_embed, jc::ref::patch_embed, jc::avx2::patch_embed, jc::avx512::patch_embed)
