"""Networks of transformers, small."""

import contextlib
import functools
import unittest.mock

import torch
import transformers as hf
from torch import nn

from architecture import Select, architecture

LABELS = {"num_labels": 4}
TINY_VIT = {"hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 48, "num_hidden_layers": 4}
SIZES = [8, 12, 16, 24]


class Pixels(Select):
    """Feeds the image as `pixel_values`, with other inputs fixed."""

    def __init__(self, network: nn.Module, pick=lambda outputs: outputs.logits, **fixed):
        super().__init__(network, pick)
        self.fixed = fixed

    def forward(self, image):
        return self.pick(self.network(pixel_values=image, **self.fixed))


class Eager(nn.Module):
    """Runs a network in a context that its export does without."""

    def __init__(self, network: nn.Module, context):
        super().__init__()
        self.network = network
        self.context = context

    def forward(self, *inputs, **options):
        is_exported = torch.onnx.is_in_onnx_export() or torch.compiler.is_exporting()
        with contextlib.nullcontext() if is_exported else self.context():
            return self.network(*inputs, **options)


def semantic_masks(outputs):
    """Scores of the classes at each pixel, as post_process_semantic_segmentation computes them."""
    classes = outputs.class_queries_logits.softmax(-1)[..., :-1]
    return torch.einsum("bqc,bqhw->bchw", classes, outputs.masks_queries_logits.sigmoid())


def swin(**options):
    return hf.SwinConfig(
        image_size=64, embed_dim=12, depths=[1, 1, 2, 1], num_heads=[1, 2, 3, 4], window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"], **options,
    )


def upernet(backbone, pool_scales=(1, 2)):
    config = hf.UperNetConfig(
        backbone_config=backbone, hidden_size=16, auxiliary_channels=8, pool_scales=list(pool_scales), **LABELS,
    )
    return Pixels(hf.UperNetForSemanticSegmentation(config))


@architecture("segformer", "transformers SegFormer", (1, 3, 64, 64))
def segformer():
    config = hf.SegformerConfig(
        hidden_sizes=[8, 16, 20, 32], depths=[1, 1, 2, 1], num_attention_heads=[1, 2, 5, 8], decoder_hidden_size=16, **LABELS,
    )
    return Pixels(hf.SegformerForSemanticSegmentation(config))


@architecture("upernet-convnext", "transformers UPerNet", (1, 3, 64, 64))
def upernet_convnext():
    return upernet(
        hf.ConvNextConfig(hidden_sizes=SIZES, depths=[1, 1, 2, 1], out_features=["stage1", "stage2", "stage3", "stage4"])
    )


@architecture("upernet-convnextv2", "transformers UPerNet", (1, 3, 64, 64))
def upernet_convnextv2():
    return upernet(
        hf.ConvNextV2Config(hidden_sizes=SIZES, depths=[1, 1, 2, 1], out_features=["stage1", "stage2", "stage3", "stage4"]),
        # As published; these bins do not divide the features, which the legacy exporter refuses.
        pool_scales=(1, 2, 3, 6),
    )


@architecture("upernet-swin", "transformers UPerNet", (1, 3, 64, 64))
def upernet_swin():
    return upernet(swin())


@architecture("upernet-swinv2", "transformers UPerNet", (1, 3, 64, 64))
def upernet_swinv2():
    return upernet(
        hf.Swinv2Config(
            image_size=64, embed_dim=12, depths=[1, 2, 1, 1], num_heads=[1, 2, 3, 4], window_size=4,
            out_features=["stage1", "stage2", "stage3", "stage4"],
        )
    )


@architecture("upernet-resnet", "transformers UPerNet", (1, 3, 64, 64))
def upernet_resnet():
    return upernet(
        hf.ResNetConfig(
            embedding_size=8, hidden_sizes=[16, 16, 24, 32], depths=[1, 2, 1, 1],
            out_features=["stage1", "stage2", "stage3", "stage4"],
        )
    )


@architecture("upernet-pvt-v2", "transformers UPerNet", (1, 3, 64, 64))
def upernet_pvt_v2():
    return upernet(
        hf.PvtV2Config(
            hidden_sizes=[8, 16, 20, 32], depths=[1, 1, 1, 1], num_attention_heads=[1, 2, 5, 8], mlp_ratios=[2, 2, 2, 2],
            out_features=["stage1", "stage2", "stage3", "stage4"],
        )
    )


@architecture("upernet-hiera", "transformers UPerNet", (1, 3, 64, 64))
def upernet_hiera():
    return upernet(
        hf.HieraConfig(
            image_size=[64, 64], embed_dim=8, depths=[1, 1, 2, 1], num_heads=[1, 1, 2, 2], masked_unit_size=[8, 8],
            num_query_pool=2, out_features=["stage1", "stage2", "stage3", "stage4"],
        )
    )


@architecture("mask2former", "transformers Mask2Former", (1, 3, 64, 64), "semantic scores from classes and masks of the queries")
def mask2former():
    config = hf.Mask2FormerConfig(
        backbone_config=swin(), feature_size=32, mask_feature_size=32, hidden_dim=32, encoder_feedforward_dim=32,
        encoder_layers=2, decoder_layers=3, num_attention_heads=4, dim_feedforward=32, num_queries=6, **LABELS,
    )
    return Pixels(hf.Mask2FormerForUniversalSegmentation(config), semantic_masks)


@architecture("maskformer", "transformers MaskFormer", (1, 3, 64, 64), "semantic scores from classes and masks of the queries")
def maskformer():
    config = hf.MaskFormerConfig(
        fpn_feature_size=32, mask_feature_size=32, backbone_config=swin(),
        decoder_config=hf.DetrConfig(
            d_model=32, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=32, decoder_ffn_dim=32,
            encoder_attention_heads=4, decoder_attention_heads=4, num_queries=6,
        ),
        **LABELS,
    )
    return Pixels(hf.MaskFormerForInstanceSegmentation(config), semantic_masks)


@architecture("oneformer", "transformers OneFormer", (1, 3, 64, 64), "semantic scores from classes and masks of the queries")
def oneformer():
    config = hf.OneFormerConfig(
        backbone_config=swin(), num_queries=6, conv_dim=32, mask_dim=32, hidden_dim=32, encoder_feedforward_dim=32,
        encoder_layers=2, decoder_layers=4, num_attention_heads=4, dim_feedforward=32, task_seq_len=5, norm="GN",
        text_encoder_width=32, text_encoder_num_layers=1, text_encoder_vocab_size=20, use_auxiliary_loss=False,
        output_auxiliary_logits=False, **LABELS,
    )
    network = hf.OneFormerForUniversalSegmentation(config)
    return Pixels(network, semantic_masks, task_inputs=torch.arange(5.0)[None])


@architecture("dpt", "transformers DPT", (1, 3, 64, 64))
def dpt():
    config = hf.DPTConfig(
        **TINY_VIT, image_size=64, patch_size=16, backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=SIZES,
        fusion_hidden_size=12, use_batch_norm_in_fusion_residual=True, use_auxiliary_head=False, **LABELS,
    )
    return Pixels(hf.DPTForSemanticSegmentation(config))


@architecture("beit", "transformers BEiT", (1, 3, 64, 64))
def beit():
    config = hf.BeitConfig(
        **TINY_VIT, image_size=64, patch_size=16, out_indices=[1, 2, 3, 4], use_auxiliary_head=False,
        use_relative_position_bias=True, pool_scales=[1, 2], **LABELS,
    )
    return Pixels(hf.BeitForSemanticSegmentation(config))


@architecture("data2vec-vision", "transformers Data2VecVision", (1, 3, 64, 64))
def data2vec_vision():
    config = hf.Data2VecVisionConfig(
        **TINY_VIT, image_size=64, patch_size=16, out_indices=[0, 1, 2, 3], use_auxiliary_head=False,
        use_relative_position_bias=True, pool_scales=[1, 2], **LABELS,
    )
    return Pixels(hf.Data2VecVisionForSemanticSegmentation(config))


@architecture("mobilevit-deeplabv3", "transformers MobileViT", (1, 3, 64, 64))
def mobilevit():
    config = hf.MobileViTConfig(
        image_size=64, hidden_sizes=[16, 20, 24], neck_hidden_sizes=[8, 8, 12, 16, 16, 20, 32], aspp_out_channels=16,
        atrous_rates=[2, 4, 6], output_stride=16, **LABELS,
    )
    return Pixels(hf.MobileViTForSemanticSegmentation(config))


@architecture("mobilevitv2-deeplabv3", "transformers MobileViTV2", (1, 3, 64, 64))
def mobilevitv2():
    config = hf.MobileViTV2Config(
        image_size=64, width_multiplier=0.25, base_attn_unit_dims=[64, 64, 64], n_attn_blocks=[1, 1, 1], aspp_out_channels=16,
        atrous_rates=[2, 4, 6], **LABELS,
    )
    return Pixels(hf.MobileViTV2ForSemanticSegmentation(config))


@architecture("mobilenetv2-deeplabv3plus", "transformers MobileNetV2", (1, 3, 65, 65))
def mobilenetv2():
    config = hf.MobileNetV2Config(image_size=65, depth_multiplier=0.25, output_stride=16, **LABELS)
    return Pixels(hf.MobileNetV2ForSemanticSegmentation(config))


@architecture("clipseg", "transformers CLIPSeg with a fixed text", (2, 3, 64, 64))
def clipseg():
    tower = {"hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 48, "num_hidden_layers": 4}
    config = hf.CLIPSegConfig(
        vision_config={**tower, "image_size": 64, "patch_size": 16},
        text_config={**tower, "vocab_size": 30, "max_position_embeddings": 8, "eos_token_id": 29, "bos_token_id": 1},
        projection_dim=16, reduce_dim=16, extract_layers=[1, 2, 3], decoder_intermediate_size=32,
    )
    tokens = torch.tensor([[1, 5, 7, 29], [1, 9, 3, 29]])
    network = hf.CLIPSegForImageSegmentation(config)
    # CLIPSeg runs its image tower without gradients, as it is not trained; the image has one all the same.
    network.clip.vision_model = Eager(network.clip.vision_model, torch.enable_grad)
    return Pixels(network, input_ids=tokens)


@architecture("sam", "transformers SAM with a fixed point", (1, 3, 64, 64), "masks of the three hypotheses")
def sam():
    config = hf.SamConfig(
        vision_config={
            "hidden_size": 24, "output_channels": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64,
            "patch_size": 8, "window_size": 3, "global_attn_indexes": [1], "num_pos_feats": 8, "mlp_dim": 48,
            "initializer_range": 0.02,
        },
        prompt_encoder_config={"hidden_size": 16, "image_size": 64, "patch_size": 8, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 16, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16,
        },
    )
    return Pixels(hf.SamModel(config), lambda outputs: outputs.pred_masks, **point())


def point():
    return {"input_points": torch.tensor([[[[30.0, 22.0]]]]), "input_labels": torch.tensor([[[1]]])}


@architecture("sam-mask-decoder", "transformers SAM mask decoder with a fixed prompt", (1, 16, 16, 16), "masks, from image embeddings")
def sam_mask_decoder():
    config = hf.SamConfig(
        vision_config={"image_size": 64, "patch_size": 4, "hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1,
                       "num_pos_feats": 8, "output_channels": 16, "mlp_dim": 8, "global_attn_indexes": [0]},
        prompt_encoder_config={"hidden_size": 16, "image_size": 64, "patch_size": 4, "mask_input_channels": 4},
        mask_decoder_config={"hidden_size": 16, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16},
    )

    class Decoder(Pixels):
        def forward(self, image):
            return self.pick(self.network(image_embeddings=image, **self.fixed))

    return Decoder(hf.SamModel(config), lambda outputs: outputs.pred_masks, **point())


@architecture("sam-hq", "transformers SAM-HQ with a fixed point", (1, 3, 64, 64), "the high-quality mask")
def sam_hq():
    config = hf.SamHQConfig(
        vision_config={
            "hidden_size": 24, "output_channels": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64,
            "patch_size": 8, "window_size": 3, "global_attn_indexes": [1], "num_pos_feats": 8, "mlp_dim": 48,
            "initializer_range": 0.02,
        },
        prompt_encoder_config={"hidden_size": 16, "image_size": 64, "patch_size": 8, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 16, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16, "vit_dim": 24,
        },
    )
    return Pixels(hf.SamHQModel(config), lambda outputs: outputs.pred_masks, **point())


@architecture("sam2", "transformers SAM 2 with a fixed point", (1, 3, 64, 64), "masks of the three hypotheses")
def sam2():
    config = hf.Sam2Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model", "hidden_size": 8, "num_attention_heads": 1, "image_size": [64, 64],
                "blocks_per_stage": [1, 1, 2, 1], "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 2, 4, 8], "window_size_per_stage": [4, 2, 4, 2],
                "global_attention_blocks": [3], "window_positional_embedding_background_size": [4, 4],
            },
            "backbone_channel_list": [64, 32, 16, 8], "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]], "fpn_hidden_size": 16,
        },
        prompt_encoder_config={"hidden_size": 16, "image_size": 64, "patch_size": 16, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 16, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16,
            "dynamic_multimask_via_stability": False,
        },
    )
    return Pixels(hf.Sam2Model(config), lambda outputs: outputs.pred_masks, **point())


@architecture("eomt", "transformers EoMT", (1, 3, 64, 64), "semantic scores from classes and masks of the queries")
def eomt():
    config = hf.EomtConfig(
        hidden_size=24, num_hidden_layers=3, num_attention_heads=3, image_size=64, patch_size=16, mlp_ratio=2,
        num_blocks=1, num_queries=6, num_register_tokens=1, **LABELS,
    )
    network = hf.EomtForUniversalSegmentation(config)
    network.set_attn_implementation("eager")  # the fused one takes its float32 mask wrongly in float64
    return Pixels(network, semantic_masks)


@architecture("eomt-dinov3", "transformers EoMT on DINOv3", (1, 3, 64, 64), "semantic scores from classes and masks of the queries")
def eomt_dinov3():
    config = hf.EomtDinov3Config(
        hidden_size=24, num_hidden_layers=3, num_attention_heads=3, image_size=64, patch_size=16, intermediate_size=48,
        num_blocks=1, num_queries=6, num_register_tokens=1, **LABELS,
    )
    return Pixels(hf.EomtDinov3ForUniversalSegmentation(config), semantic_masks)


@architecture("detr-segmentation", "transformers DETR with mask head", (1, 3, 64, 64), "masks of the queries")
def detr():
    config = hf.DetrConfig(
        backbone_config=hf.ResNetConfig(
            embedding_size=8, hidden_sizes=[16, 16, 24, 32], depths=[1, 1, 1, 1],
            out_features=["stage1", "stage2", "stage3", "stage4"],
        ),
        d_model=64, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=32, decoder_ffn_dim=32,
        encoder_attention_heads=8, decoder_attention_heads=8, num_queries=4, **LABELS,
    )
    return Pixels(hf.DetrForSegmentation(config), lambda outputs: outputs.pred_masks)


@architecture("rf-detr-segmentation", "transformers RF-DETR", (1, 3, 64, 64), "masks of the queries")
def rf_detr():
    config = hf.RfDetrConfig(
        backbone_config=hf.RfDetrDinov2Config(
            hidden_size=24, num_hidden_layers=4, num_attention_heads=3, image_size=64, patch_size=16, mlp_ratio=2, num_windows=2,
            out_indices=[1, 2, 3, 4],
        ),
        d_model=32, decoder_ffn_dim=32, decoder_layers=2, decoder_self_attention_heads=4, decoder_cross_attention_heads=4,
        decoder_n_points=2, num_queries=6, group_detr=1, intermediate_size=32, **LABELS,
    )
    # RF-DETR detaches the proposals of its encoder; an exported graph knows no detaching.
    attached = functools.partial(unittest.mock.patch.object, torch.Tensor, "detach", lambda tensor: tensor)
    return Pixels(Eager(hf.RfDetrForInstanceSegmentation(config), attached), lambda outputs: outputs.pred_masks)


@architecture("sapiens2", "transformers Sapiens2", (1, 3, 64, 64))
def sapiens2():
    config = hf.Sapiens2Config(
        hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4, num_key_value_attention_heads=2,
        num_first_full_attention_layers=1, num_last_full_attention_layers=1, image_size=64, patch_size=16,
        num_register_tokens=1,
        head_config=hf.models.sapiens2.configuration_sapiens2.Sapiens2HeadConfig(
            upsample_out_channels=[16, 8], conv_out_channels=[8], use_pixel_shuffle=False,
        ),
        **LABELS,
    )
    return Pixels(hf.Sapiens2ForSemanticSegmentation(config))
