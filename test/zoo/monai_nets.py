"""Networks of MONAI, small."""

from monai.networks import nets

from architecture import Select, architecture
from blocks import smooth


def first(outputs):
    return outputs[0]


@architecture("monai-unet-2d", "MONAI UNet", (1, 1, 64, 48))
def unet_2d():
    return nets.UNet(2, 1, 3, channels=(4, 8, 16, 32), strides=(2, 2, 2), num_res_units=2)


@architecture("monai-unet-3d", "MONAI UNet", (1, 1, 32, 32, 32))
def unet_3d():
    return nets.UNet(3, 1, 2, channels=(4, 8, 16), strides=(2, 2), num_res_units=1, norm="batch")


@architecture("monai-basic-unet", "MONAI BasicUNet", (1, 3, 64, 64))
def basic_unet():
    return nets.BasicUNet(2, 3, 4, features=(4, 4, 8, 8, 16, 4))


@architecture("monai-basic-unet-3d", "MONAI BasicUNet", (1, 1, 32, 32, 32))
def basic_unet_3d():
    return nets.BasicUNet(3, 1, 2, features=(4, 4, 8, 8, 16, 4), upsample="nontrainable")


@architecture("monai-basic-unet-plus-plus", "MONAI BasicUNetPlusPlus", (1, 3, 64, 64), "the last of four nested outputs")
def basic_unet_plus_plus():
    net = nets.BasicUNetPlusPlus(2, 3, 4, features=(4, 4, 8, 8, 16, 4), deep_supervision=True)
    return Select(net, lambda outputs: tuple(outputs[::-1]))


@architecture("monai-attention-unet", "MONAI AttentionUnet", (1, 3, 64, 64))
def attention_unet():
    return nets.AttentionUnet(2, 3, 3, channels=(4, 8, 16), strides=(2, 2))


@architecture("monai-dynunet-2d", "MONAI DynUNet (nnU-Net)", (1, 3, 64, 64))
def dynunet_2d():
    return nets.DynUNet(2, 3, 4, [3, 3, 3, 3], [1, 2, 2, 2], [2, 2, 2], filters=[4, 8, 16, 16], res_block=True)


@architecture("monai-dynunet-3d", "MONAI DynUNet, deep supervision as in training", (1, 1, 32, 32, 32), "full resolution of three")
def dynunet_3d():
    net = nets.DynUNet(
        3, 1, 3, [[3, 3, 1], 3, 3, 3], [1, [2, 2, 1], 2, 2], [[2, 2, 1], 2, 2],
        filters=[4, 8, 8, 16], deep_supervision=True, deep_supr_num=2,
    )
    # Its eval mode drops the heads: only the flag of the outermost module decides.
    return _AllHeads(net)


class _AllHeads(Select):
    def __init__(self, net):
        super().__init__(net, lambda stacked: tuple(stacked.unbind(1)))

    def forward(self, image):
        self.network.training = True
        return super().forward(image)


@architecture("monai-segresnet-2d", "MONAI SegResNet", (1, 3, 64, 64))
def segresnet_2d():
    return nets.SegResNet(2, 8, 3, 4, blocks_down=(1, 2, 2), blocks_up=(1, 1))


@architecture("monai-segresnet-3d", "MONAI SegResNet", (1, 2, 32, 32, 32))
def segresnet_3d():
    return nets.SegResNet(3, 8, 2, 3, blocks_down=(1, 1, 2), blocks_up=(1, 1), upsample_mode="deconv")


@architecture("monai-segresnet-ds", "MONAI SegResNetDS", (1, 3, 64, 64))
def segresnet_ds():
    return nets.SegResNetDS(2, 8, 3, 3, blocks_down=(1, 2, 2), dsdepth=2)


@architecture("monai-segresnet-ds-3d", "MONAI SegResNetDS", (1, 1, 32, 32, 32))
def segresnet_ds_3d():
    return nets.SegResNetDS(3, 8, 1, 2, norm="instance", blocks_down=(1, 1, 2), dsdepth=1)


@architecture("monai-vnet", "MONAI VNet", (1, 1, 32, 32, 32))
def vnet():
    return nets.VNet(3, 1, 2)


@architecture("monai-unetr", "MONAI UNETR", (1, 1, 32, 32, 32))
def unetr():
    return nets.UNETR(1, 2, (32, 32, 32), feature_size=4, hidden_size=24, mlp_dim=48, num_heads=3)


@architecture("monai-unetr-2d", "MONAI UNETR", (1, 3, 64, 64))
def unetr_2d():
    return nets.UNETR(3, 2, (64, 64), feature_size=4, hidden_size=24, mlp_dim=48, num_heads=3, spatial_dims=2)


@architecture("monai-swin-unetr-2d", "MONAI SwinUNETR", (1, 3, 64, 64))
def swin_unetr_2d():
    return nets.SwinUNETR(3, 3, feature_size=12, depths=(2, 1, 1, 1), num_heads=(2, 2, 3, 3), window_size=4, spatial_dims=2)


@architecture("monai-swin-unetr-3d", "MONAI SwinUNETR V2 with SiLU", (1, 1, 32, 32, 32))
def swin_unetr_3d():
    return smooth(
        nets.SwinUNETR(1, 2, feature_size=12, depths=(2, 1, 1, 1), num_heads=(2, 2, 3, 3), window_size=4, use_v2=True, norm_name="batch")
    )


@architecture("monai-flexible-unet", "MONAI FlexibleUNet, EfficientNet-B0", (1, 3, 64, 64))
def flexible_unet():
    return nets.FlexibleUNet(3, 3, "efficientnet-b0", decoder_channels=(32, 16, 16, 8, 8))


@architecture("monai-flexible-unet-resnet", "MONAI FlexibleUNet, ResNet-18", (1, 3, 64, 64))
def flexible_unet_resnet():
    return nets.FlexibleUNet(3, 3, "resnet18", decoder_channels=(32, 16, 16, 8, 8), interp_mode="bilinear")


@architecture("monai-highresnet-3d", "MONAI HighResNet", (1, 1, 32, 32, 32))
def highresnet():
    return nets.HighResNet(
        3, 1, 2,
        layer_params=(
            {"name": "conv_0", "n_features": 4, "kernel_size": 3},
            {"name": "res_1", "n_features": 4, "kernels": (3, 3), "repeat": 1},
            {"name": "res_2", "n_features": 8, "kernels": (3, 3), "repeat": 1},
            {"name": "conv_1", "n_features": 8, "kernel_size": 1},
            {"name": "conv_2", "kernel_size": 1},
        ),
    )


@architecture("monai-regunet", "MONAI RegUNet", (1, 2, 64, 64))
def regunet():
    return nets.RegUNet(2, 2, 4, 3, out_channels=2)


@architecture("monai-localnet", "MONAI LocalNet", (1, 2, 64, 64))
def localnet():
    return nets.LocalNet(2, 2, 4, extract_levels=(0, 1, 2), out_channels=2)


@architecture("monai-ahnet-2d", "MONAI AHNet with SiLU", (1, 3, 64, 64))
def ahnet():
    return smooth(
        nets.AHNet(layers=(1, 1, 1, 1), spatial_dims=2, in_channels=3, out_channels=2, psp_block_num=2, upsample_mode="bilinear")
    )


@architecture("monai-mednext", "MONAI MedNeXt", (1, 1, 32, 32, 32))
def mednext():
    return nets.MedNeXt(
        3, 4, 1, 2, kernel_size=3, blocks_down=(1, 1), blocks_bottleneck=1, blocks_up=(1, 1),
        use_residual_connection=True, global_resp_norm=True,
    )


@architecture("monai-mednext-2d", "MONAI MedNeXt", (1, 3, 64, 64))
def mednext_2d():
    return nets.MedNeXt(
        2, 8, 3, 3, kernel_size=5, blocks_down=(1, 1), blocks_bottleneck=1, blocks_up=(1, 1), use_residual_connection=True,
    )


@architecture("monai-quicknat", "MONAI Quicknat", (1, 1, 64, 64))
def quicknat():
    return nets.Quicknat(3, 1, num_filters=4, kernel_size=3, se_block="CSE")


@architecture("monai-voxelmorph-unet", "MONAI VoxelMorphUNet", (1, 2, 64, 64))
def voxelmorph():
    return nets.VoxelMorphUNet(2, 2, 8, channels=(4, 4, 8, 8, 8, 4), final_conv_channels=(4,))


@architecture("monai-diffusion-unet", "MONAI DiffusionModelUNet at a fixed time step", (1, 3, 32, 32))
def diffusion_unet():
    return _FixedTime(
        nets.DiffusionModelUNet(
            2, 3, 2, num_res_blocks=1, channels=(8, 16), attention_levels=(False, True), norm_num_groups=4, num_head_channels=8,
        )
    )


class _FixedTime(Select):
    def __init__(self, net):
        super().__init__(net, first)

    def forward(self, image):
        import torch

        return self.network(image, torch.full((image.shape[0],), 7))
