// SPDX-License-Identifier: GPL-2.0

//! A tree of several layers: what a later one takes away from those below it.

use super::{Builder, Children, Content, LinkId, NodeId};
use crate::path;
use crate::tar::Rule;

impl Builder {
    /// Begins the next layer: what the tree has is that of the layers below.
    pub fn begin_layer(&mut self) {
        self.layer_start = self.tree.node_count();
    }

    /// Takes a name away, and all below it. It may be there or not.
    ///
    /// # Errors
    ///
    /// The rule that the name breaks.
    pub fn remove(&mut self, directory: &[u8], name: &[u8]) -> Result<(), Rule> {
        path::check(name)?;
        let parent = self.resolve(directory)?;
        if let Some(link) = parent.and_then(|parent| self.find(parent, name)) {
            self.forget(link);
        }
        Ok(())
    }

    /// Takes everything in a directory away. It may be there or not.
    ///
    /// # Errors
    ///
    /// The rule that the name breaks.
    pub fn remove_children(&mut self, directory: &[u8]) -> Result<(), Rule> {
        let Some(node) = self.resolve(directory)? else {
            return Ok(());
        };
        let links: Vec<LinkId> = self.tree.children(node).map(|(link, _)| link).collect();
        links.into_iter().for_each(|link| self.forget(link));
        if let Content::Directory(children) = &mut self.tree.nodes[node].content {
            *children = Children::default();
        }
        Ok(())
    }

    /// Whether everything in a directory comes from layers below this one.
    pub(super) fn is_of_lower_layers(&self, directory: NodeId) -> bool {
        let mut to_check = vec![directory];
        while let Some(directory) = to_check.pop() {
            for (_, node) in self.tree.children(directory) {
                if node.place() >= self.layer_start {
                    return false;
                }
                to_check.push(node);
            }
        }
        true
    }

    fn forget(&mut self, link: LinkId) {
        let parent = self.tree.links[link].parent.take();
        if let Some(parent) = parent {
            let hash = self.names.hash(parent, self.tree.name(link));
            self.names.remove(hash, link);
        }
        // It may be below what is gone.
        self.last_directory = (Vec::new(), super::ROOT);
    }
}
