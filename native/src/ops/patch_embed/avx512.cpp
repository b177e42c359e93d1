#include "ops/patch_embed/gather.h"
#include "simd/vector_avx512.h"

namespace jc::avx512 {

int32_t patch_embed(jc_context* context, const jc_patch_embed_args* a) {
  if (check_patch_embed(context, a) != JC_OK) return JC_INVALID;
  patch_embed_class_rows(a);
  Product p = patch_embed_product(a);
  p.gather = gather_patches<Avx512>;
  multiply(context, p, a->workspace, a->workspace_bytes);
  return JC_OK;
}

}  // namespace jc::avx512
