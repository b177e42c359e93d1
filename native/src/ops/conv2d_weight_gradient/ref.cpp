// Gradient of conv2d with respect to its weights, the plain version: every element sums over pictures and pixels in ascending order.
#include "ops/conv2d_weight_gradient/conv2d_weight_gradient.h"

namespace jc {

jc_conv2d_args conv2d_forward(const jc_conv2d_weight_gradient_args* a) {
  jc_conv2d_args c{};
  c.x = a->x;
  c.batch = a->batch;
  c.height = a->height;
  c.width = a->width;
  c.channels = a->channels;
  c.x_batch = a->x_batch;
  c.x_row = a->x_row;
  c.x_column = a->x_column;
  c.x_channel = a->x_channel;
  c.out_channels = a->out_channels;
  c.kernel = a->kernel;
  c.stride = a->stride;
  c.padding = a->padding;
  return c;
}

namespace {

// True if k's order is another than dw's.
bool reorders(const jc_conv2d_weight_gradient_args* a) {
  return !in_weight_order(a) && a->kernel > 1 && a->channels > 1;
}

}  // namespace

int64_t reordered_bytes(const jc_conv2d_weight_gradient_args* a) {
  return reorders(a) ? round_up(a->out_channels * a->channels * a->kernel * a->kernel * 4, 64) : 0;
}

namespace {

int64_t workspace_of(const jc_context* context, const jc_conv2d_weight_gradient_args* a) {
  jc_conv2d_args forward = conv2d_forward(a);
  if (context->isa == JC_REF) return 0;
  return reordered_bytes(a) +
         outer_products_workspace(context, conv2d_rows(&forward), a->out_channels, conv2d_k(&forward), JC_F32);
}

}  // namespace

int32_t check_conv2d_weight_gradient(jc_context* context, const jc_conv2d_weight_gradient_args* a) {
  jc_conv2d_args forward = conv2d_forward(a);
  const char* wrong = wrong_conv2d_sizes(&forward);
  JC_CHECK("conv2d_weight_gradient", wrong == nullptr, wrong);
  JC_CHECK("conv2d_weight_gradient", a->dy && a->x && a->dw, "null pointer");
  int64_t picture = conv2d_out(a->height, &forward) * conv2d_out(a->width, &forward) * a->out_channels;
  JC_CHECK("conv2d_weight_gradient", a->dy_batch >= picture, "dy_batch is smaller than a picture's dy");
  int64_t wanted = workspace_of(context, a);
  JC_CHECK("conv2d_weight_gradient", wanted == 0 || (a->workspace != nullptr && a->workspace_bytes >= wanted),
           "workspace is smaller than jc_conv2d_weight_gradient_workspace says");
  JC_CHECK("conv2d_weight_gradient", aligned(a->workspace, 64), "workspace is not 64-byte aligned");
  return JC_OK;
}

OuterProducts conv2d_weight_gradient_sum(const jc_conv2d_weight_gradient_args* a, const jc_conv2d_args* forward) {
  OuterProducts p{};
  p.source = forward;
  p.dy = a->dy;
  p.rows = conv2d_rows(forward);
  p.n = p.ldy = a->out_channels;
  p.k = p.ldw = conv2d_k(forward);
  p.period = conv2d_out(a->height, forward) * conv2d_out(a->width, forward);
  p.dy_batch = a->dy_batch;
  p.fresh = reorders(a);
  p.dw = p.fresh ? static_cast<float*>(a->workspace) : a->dw;
  return p;
}

void add_reordered(const jc_context* context, const jc_conv2d_weight_gradient_args* a, const OuterProducts& p) {
  if (!p.fresh || p.rows == 0) return;
  int64_t window = a->kernel * a->kernel, width = p.n * p.k < 100000 ? 1 : parallel_width(context);
  parallel(context, width, a->out_channels, [&](int64_t o, int64_t) {
    const float* from = p.dw + o * p.k;
    float* to = a->dw + o * p.k;
    for (int64_t c = 0; c < a->channels; ++c) {
      for (int64_t i = 0; i < window; ++i) to[c * window + i] += from[i * a->channels + c];
    }
  });
}

int32_t ref::conv2d_weight_gradient(jc_context* context, const jc_conv2d_weight_gradient_args* a) {
  if (check_conv2d_weight_gradient(context, a) != JC_OK) return JC_INVALID;
  jc_conv2d_args forward = conv2d_forward(a);
  int64_t out_height = conv2d_out(a->height, &forward), out_width = conv2d_out(a->width, &forward);
  int64_t window = a->kernel * a->kernel;
  for (int64_t index = 0; index < a->out_channels * a->channels * window; ++index) {
    int64_t o = index / (a->channels * window), c = index / window % a->channels;
    int64_t i = index / a->kernel % a->kernel, j = index % a->kernel;
    float sum = 0;
    for (int64_t row = 0; row < a->batch * out_height * out_width; ++row) {
      int64_t picture = row / (out_height * out_width), pixel = row % (out_height * out_width);
      int64_t v = pixel / out_width * a->stride - a->padding + i, u = pixel % out_width * a->stride - a->padding + j;
      if (v < 0 || v >= a->height || u < 0 || u >= a->width) continue;
      sum += a->dy[picture * a->dy_batch + pixel * a->out_channels + o] *
             a->x[picture * a->x_batch + v * a->x_row + u * a->x_column + c * a->x_channel];
    }
    a->dw[index] += sum;
  }
  return JC_OK;
}

}  // namespace jc

JC_PUBLIC int64_t jc_conv2d_weight_gradient_workspace(const jc_context* context,
                                                      const jc_conv2d_weight_gradient_args* a) {
  jc_conv2d_args forward = jc::conv2d_forward(a);
  return jc::wrong_conv2d_sizes(&forward) != nullptr ? 0 : jc::workspace_of(context, a);
}

JC_EXPORT(conv2d_weight_gradient, jc::ref::conv2d_weight_gradient, jc::avx2::conv2d_weight_gradient,
          jc::avx512::conv2d_weight_gradient)
